"""Paths as collections, archives and hospitals really name them, and whose they are."""

import pytest

from unlabeled_medical.readers.conventions import LAYOUTS
from unlabeled_medical.readers.kinds import stem
from unlabeled_medical.readers.names import named_by

PATHS = {
    "HCP Young Adult": [
        {
            "100307/T1w/T1w_acpc_dc_restore_brain.nii.gz",
            "100307/T1w/T2w_acpc_dc_restore.nii.gz",
            "100307/MNINonLinear/T1w_restore.2.nii.gz",
            "100307/unprocessed/3T/T1w_MPR1/100307_3T_T1w_MPR1.nii.gz",
            "100307/unprocessed/3T/T2w_SPC1/100307_3T_T2w_SPC1.nii.gz",
            "100307_3T_T1w_MPR1.nii.gz",
        },
        {"100408/T1w/T1w_acpc_dc_restore_brain.nii.gz"},
        {"HCP1200/101107/T1w/T1w_acpc_dc_restore_brain.nii.gz"},
    ],
    "HCP Lifespan": [
        {
            "HCA6002236_V1_MR/unprocessed/T1w_MPR/HCA6002236_V1_MR_T1w_MPR.nii.gz",
            "HCA6002236_V2_MR/unprocessed/T1w_MPR/HCA6002236_V2_MR_T1w_MPR.nii.gz",
        },
        {"HCD0001305_V1_MR/T1w/T1w_acpc_dc_restore.nii.gz"},
    ],
    "UK Biobank": [
        {
            "1000015_20252_2_0/T1/T1_brain.nii.gz",
            "1000015_20252_3_0/T1/T1_brain.nii.gz",
            "1000015_20253_2_0/T2_FLAIR/T2_FLAIR.nii.gz",
            "1000015/20252_3_0/T1/T1_brain.nii.gz",
            "1000015_2_0.nii.gz",
            "20227/1000015_20227_2_0/fMRI/rfMRI.nii.gz",
        },
        {"1000023_20252_2_0/T1/T1_brain.nii.gz"},
        {"bulk/1000031_20209_2_0/sa.nii.gz"},
    ],
    "LiTS": [
        {"Training Batch 1/volume-0.nii"},
        {"Training Batch 1/volume-1.nii"},
        {"Training Batch 2/volume-28.nii"},
        {"LITS17/volume-12.nii"},
        {"test/test-volume-12.nii"},
    ],
    "LiTS, flat": [{"volume-12.nii"}, {"volume-2.nii.gz"}, {"volume-120.nii"}],
    "BTCV": [
        {"averaged-training-images/img0001.nii.gz"},
        {"averaged-training-images/img0002.nii.gz"},
        {"averaged-testing-images/img0061.nii.gz"},
    ],
    "BTCV, as delivered": [
        {"Abdomen/RawData/Training/img/img0001.nii.gz"},
        {"Abdomen/RawData/Training/img/img0010.nii.gz"},
    ],
    "ADNI": [
        {
            "002_S_0295/MP-RAGE/2006-04-18/S13408/ADNI_002_S_0295_MR_MP-RAGE__br_raw_2006_1_S13408_I13722.nii",
            "002_S_0295/MP-RAGE/2007-05-25/S32938/ADNI_002_S_0295_MR_MP-RAGE__br_raw_2007_1_S32938_I55155.nii",
            "ADNI_002_S_0295_MR_MP-RAGE__br_raw_20060418193713091_1_S13408_I13722.nii",
            "ADNI/002_S_0295/Axial_T2-Star/2011-06-02_07_58_30.0/I238627/scan.nii.gz",
        },
        {"002_S_0413/MPRAGE/2006-05-02/S13893/ADNI_002_S_0413_MR_MPRAGE_br_raw_S13893_I14437.nii"},
        {"ADNI_011_S_10021_MR_MPRAGE.nii"},
    ],
    "PPMI": [
        {"PPMI_3102_MR_SAG_T1_Br_20121001_S167_I338.nii", "PPMI_3102_MR_T2_Br_20131001_S2_I9.nii"},
        {"PPMI_3104_MR_SAG_T1_Br_20121001_S168_I339.nii"},
    ],
    "CT-RATE": [
        {
            "train/train_1/train_1_a/train_1_a_1.nii.gz",
            "train/train_1/train_1_a/train_1_a_2.nii.gz",
            "train/train_1/train_1_b/train_1_b_1.nii.gz",
            "train_1_c_1.nii.gz",
        },
        {"train/train_2/train_2_a/train_2_a_1.nii.gz", "train_2_a_2.nii.gz"},
        {"valid/valid_1/valid_1_a/valid_1_a_1.nii.gz"},
        {"train/train_10/train_10_a/train_10_a_1.nii.gz"},
    ],
    "OASIS": [
        {
            "OAS1_0001_MR1/RAW/OAS1_0001_MR1_mpr-1_anon.hdr",
            "disc1/OAS1_0001_MR2/PROCESSED/MPRAGE/T88_111/OAS1_0001_MR2_mpr_n4_anon_111_t88_gfc.hdr",
        },
        {"OAS1_0002_MR1/RAW/OAS1_0002_MR1_mpr-1_anon.hdr"},
        {"OAS2_0001_MR1/RAW/mpr-1.nifti.hdr", "OAS2_0001_MR2/RAW/mpr-1.nifti.hdr"},
        {
            "OAS30001_MR_d0129/anat2/NIFTI/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz",
            "sub-OAS30001/ses-d0757/anat/sub-OAS30001_ses-d0757_T1w.nii.gz",
        },
    ],
    "OASIS-3, plain": [
        {"OAS30001_MR_d0129.nii.gz", "OAS30001_MR_d0757.nii.gz", "OAS30001/d2430/t1.nii.gz"},
        {"OAS30002_MR_d0653.nii.gz"},
    ],
    "MIMIC-CXR": [
        {
            "files/p10/p10000032/s50414267/02aa804e-bde0afdd-112c0b34-7bc16630-4e384014.jpg",
            "files/p10/p10000032/s53189527/2a2277a9-b0ded155-c0de8eb9-c124d10e-82c5caab.jpg",
            "p10/p10000032/s50414267/174413ec-4ec4c1f7-34ea26b7-c5f994f8-79ef1962.jpg",
        },
        {"files/p10/p10000764/s57375967/096052b7-d256dc40-453a102b-fa7d01c6-1b22c6b4.jpg"},
    ],
    "NIH ChestX-ray14": [
        {"images_001/images/00000013_002.png", "images_002/images/00000013_004.png"},
        {"images_001/images/00000014_000.png"},
    ],
    "CheXpert": [
        {
            "train/patient00012/study1/view1_frontal.jpg",
            "train/patient00012/study2/view2_lateral.jpg",
        },
        {"train/patient00013/study1/view1_frontal.jpg"},
    ],
    "Kermany": [
        {"train/PNEUMONIA/person3_virus_12.jpeg", "train/PNEUMONIA/person3_bacteria_13.jpeg"},
        {"train/PNEUMONIA/person4_virus_12.jpeg"},
        {"train/NORMAL/IM-0115-0001.jpeg"},
        {"train/NORMAL/IM-0117-0001.jpeg"},
    ],
    "BraTS": [
        {
            "BraTS20_Training_001/BraTS20_Training_001_flair.nii",
            "BraTS20_Training_001/BraTS20_Training_001_t1ce.nii",
        },
        {"BraTS20_Training_002/BraTS20_Training_002_flair.nii"},
        {
            "BraTS-GLI-00005-000/BraTS-GLI-00005-000-t1c.nii.gz",
            "BraTS-GLI-00005-001/BraTS-GLI-00005-001-t2f.nii.gz",
        },
        {"BraTS-GLI-00006-000/BraTS-GLI-00006-000-t1n.nii.gz"},
        {"BraTS2021_00000/BraTS2021_00000_t1.nii.gz", "BraTS2021/BraTS2021_00000_t2.nii.gz"},
        {"BraTS2021/BraTS2021_00002_t2.nii.gz"},
    ],
    "TCIA": [
        {"LIDC-IDRI-0001/01-01-2000-NA-30178/3000566.000000-NA-03192/1-001.png"},
        {"LIDC-IDRI-0002/01-01-2000-98329/3000522.000000-04919/1-001.png"},
        {
            "TCGA-02-0006/TCGA-02-0006_1996.08.23_t1Gd.nii.gz",
            "TCGA-02-0006_1997.01.02_flair.nii.gz",
        },
        {"TCGA-02-0009_1997.06.14_flair.nii.gz"},
        {"UPENN-GBM-00001_11_FLAIR.nii.gz", "UPENN-GBM-00001_21_T1.nii.gz"},
        {"UPENN-GBM-00002_11_FLAIR.nii.gz"},
        {
            "100012/01-02-1999-NLST-LSS-54229/slices/1-001.png",
            "100012/01-02-2000-NLST-LSS-1/slices/1-1.png",
        },
        {"100013/01-02-1999-NLST-LSS-54230/slices/1-001.png"},
    ],
    "LUNA16": [
        {"subset0/1.3.6.1.4.1.14519.5.2.1.6279.6001.105756658031515062000744821260.mhd"},
        {"subset0/1.3.6.1.4.1.14519.5.2.1.6279.6001.108197895896446896160048741492.mhd"},
        {"1.3.6.1.4.1.14519.5.2.1.6279.6001.109002525524522225658609808059.nii.gz"},
    ],
    "lesions over time": [
        {"training01_01_flair.nii", "training01_02_flair.nii", "training01_02_mprage.nii"},
        {"training02_01_flair.nii"},
        {"013/flair_time01_on_middle_space.nii.gz", "013/flair_time02_on_middle_space.nii.gz"},
        {"015/flair_time01_on_middle_space.nii.gz"},
    ],
    "segmentation sets": [
        {"AMOS22/imagesTr/amos_0001.nii.gz"},
        {"AMOS22/imagesTr/amos_0004.nii.gz"},
        {"word_0002.nii.gz"},
        {"word_0003.nii.gz"},
        {"s0000/ct.nii.gz"},
        {"s0011/ct.nii.gz"},
        {"BDMAP_00000001/ct.nii.gz"},
        {"FLARE22_Tr_0001_0000.nii.gz"},
        {"FLARE22_Tr_0002_0000.nii.gz"},
        {"A0S9V9/A0S9V9_sa.nii.gz", "A0S9V9/A0S9V9_sa_ED.nii.gz"},
        {"case_00004/imaging.nii.gz"},
        {"case_00005/imaging.nii.gz"},
        {"patient001/patient001_frame01.nii.gz", "patient001/patient001_4d.nii.gz"},
    ],
    "ABIDE": [
        {"Leuven_1_0050682_func_preproc.nii.gz", "Leuven_1_0050682_anat.nii.gz"},
        {"Pitt_0050003_anat.nii.gz"},
        {"50004/anat/mprage.nii.gz", "50004/func/rest.nii.gz"},
        {"50005/anat/mprage.nii.gz"},
    ],
    "BIDS": [
        {
            "sub-07/ses-2/anat/sub-07_ses-2_T1w.nii.gz",
            "sub-07/ses-1/func/sub-07_ses-1_task-rest_run-2_bold.nii.gz",
            "rawdata/sub-07/anat/sub-07_T2w.nii.gz",
        },
        {"sub-08/anat/sub-08_T1w.nii.gz"},
        {"sub-ADNI002S0295/ses-M00/anat/sub-ADNI002S0295_ses-M00_T1w.nii.gz"},
    ],
    "baseline and follow-up in the name": [
        {
            "P001_baseline_T1.nii.gz",
            "P001_followup_T1.nii.gz",
            "P001_follow-up_T1.nii.gz",
            "P001_FU2_T1.nii.gz",
            "P001_T1_baseline.nii.gz",
            "baseline_P001_T1.nii.gz",
            "P001_bl.nii.gz",
            "P001_pre.nii.gz",
            "P001_postop_FLAIR.nii.gz",
            "P001baseline.nii.gz",
            "P001followup2.nii.gz",
        },
        {"P002_baseline_T1.nii.gz"},
        {"anna_baseline.nii", "anna_follow_up_1.nii"},
    ],
    "counted visits in the name": [
        {
            "P001_V1_T1.nii.gz",
            "P001_v02.nii.gz",
            "P001_visit2_T1w.nii.gz",
            "P001_visit_3_T2.nii.gz",
            "P001_M06_T1.nii.gz",
            "P001_m12.nii.gz",
            "P001_tp1.nii.gz",
            "P001_timepoint-2.nii.gz",
            "P001_t0.nii.gz",
            "P001_wk4.nii.gz",
            "P001_week12_FLAIR.nii.gz",
            "P001_day0.nii.gz",
            "P001_12months.nii.gz",
            "P001_24m_T1.nii.gz",
            "P001_scan1.nii.gz",
            "P001_session2_T1.nii.gz",
            "P001_ses-3.nii.gz",
            "P001_run-2.nii.gz",
            "P001visit4.nii.gz",
        },
        {"P002_V1_T1.nii.gz"},
    ],
    "dates in the name": [
        {
            "P001_20060418.nii.gz",
            "P001_2007-05-25_T1.nii.gz",
            "P001_T1_2008.05.25.nii.gz",
            "P001_2009_05_25_FLAIR.nii.gz",
            "P001-20100525.nii.gz",
            "20110525_P001_T1.nii.gz",
            "P001_20120418T101500_T1.nii.gz",
            "P001_25-05-2013.nii.gz",
        },
        {"P002_20060418.nii.gz"},
    ],
    "dates and numbers": [
        {"001_20190101.nii.gz", "001_20200101.nii.gz", "20210101_001.nii.gz"},
        {"002_20190101.nii.gz"},
    ],
    "visits as folders": [
        {
            "P001/baseline/T1.nii.gz",
            "P001/followup/T1.nii.gz",
            "P001/2019-05-01/T1.nii.gz",
            "P001/20200501/t1_brain.nii.gz",
            "P001/2021/T1.nii.gz",
            "P001/visit 2/FLAIR.nii.gz",
            "P001/V3/t1.nii.gz",
            "P001_baseline/t1.nii.gz",
            "P001_20180101/T1.nii.gz",
        },
        {"P002/baseline/T1.nii.gz", "P002_followup/T1.nii.gz"},
    ],
    "visits above patients": [
        {"baseline/P001_T1.nii.gz", "followup/P001_T1.nii.gz", "M12/P001_T1.nii.gz"},
        {"baseline/P002_T1.nii.gz", "followup/P002_T1.nii.gz"},
    ],
    "visits above numbers": [
        {"baseline/001.nii.gz", "followup/001.nii.gz"},
        {"baseline/002.nii.gz", "followup/002.nii.gz"},
    ],
    "numbers glued to words": [
        {"patient12_visit1.nii", "patient12_visit2.nii", "cohort/patient12/t1.nii"},
        {"patient13visit1.nii"},
        {"sub01/ses01/anat/T1.nii", "sub01/ses02/anat/T1.nii"},
        {"sub02/ses01/anat/T1.nii"},
        {"subject3_t1.nii.gz", "subject3_t2.nii.gz"},
        {"JPCLN001.png"},
        {"JPCLN002.png"},
    ],
    "mice": [{"cohort_m01.nii"}, {"cohort_m02.nii"}],
    "words before and after": [
        {"T1_P001.nii.gz", "FLAIR_P001.nii.gz", "P001_brain.nii.gz", "P001_T1_brain_mni.nii.gz"},
        {"T1_P002.nii.gz"},
    ],
    "one person": [{"T1w.nii.gz", "T2w.nii.gz", "T2star.nii.gz", "bold.nii.gz", "mt0.nii"}],
    "eyes": [
        {"train/10_left.jpeg", "train/10_right.jpeg"},
        {"train/13_left.jpeg"},
        {"P001_OD.png", "P001_OS.png", "P001_L.png"},
    ],
    "CBIS-DDSM": [
        {"Mass-Training_P_00001_LEFT_CC_1.png", "Mass-Training_P_00001_LEFT_MLO.png"},
        {"Mass-Training_P_00004_LEFT_CC_1.png"},
    ],
    "plain": [
        {"t1/IXI013-HH-1212_T1.nii.gz", "t2/IXI013-HH-1212_T2.nii.gz"},
        {"t1/IXI014-HH-1236_T1.nii.gz"},
        {"anna/t1.nii", "anna/T2/0012.png", "anna_slice_012.png"},
        {"ben.nii.gz"},
        {"images/hippocampus_001.nii.gz"},
        {"images/hippocampus_002.nii.gz"},
        {"prostate_03_0000.nii.gz", "prostate_03_0001.nii.gz"},
        {"train/0012.png"},
        {"train/0013.png"},
    ],
}  # fmt: skip
"""Of each convention, the paths of one person in one set."""


@pytest.mark.parametrize("people", PATHS.values(), ids=PATHS.keys())
def test_paths_tell_whose_they_are(people):
    found = [
        {path: named_by(path, stem(path.rpartition("/")[2])).patient for path in paths}
        for paths in people
    ]
    for one in found:
        assert len(set(one.values())) == 1, one
    names = [next(iter(one.values())) for one in found]
    assert len(set(names)) == len(names), names


@pytest.mark.parametrize(
    ("path", "patient", "session"),
    [
        ("1000015_20252_2_0/T1/T1_brain.nii.gz", "1000015", "2"),
        ("100307/T1w/T1w_acpc_dc_restore_brain.nii.gz", "100307", ""),
        ("train/train_1/train_1_b/train_1_b_1.nii.gz", "train_1", "b"),
        ("OAS1_0001_MR2/RAW/OAS1_0001_MR2_mpr-1_anon.hdr", "OAS1_0001", "MR2"),
        ("OAS30001_MR_d0129.nii.gz", "OAS30001", "d0129"),
        ("files/p10/p10000032/s50414267/02aa804e.jpg", "p10000032", "s50414267"),
        ("002_S_0295/MP-RAGE/2006-04-18/S13408/x.nii", "002_S_0295", "2006-04-18"),
        ("BraTS-GLI-00005-001/BraTS-GLI-00005-001-t2f.nii.gz", "BraTS-GLI-00005", "001"),
        ("P001_followup_T1.nii.gz", "P001", "followup"),
        ("P001_T1_20060418.nii.gz", "P001", "20060418"),
        ("P001_visit_2_T1.nii.gz", "P001", "visit_2"),
        ("P001_baseline/t1.nii.gz", "P001", "baseline"),
        ("P001/M12/t1.nii.gz", "P001", "M12"),
        ("P001/t1.nii.gz", "P001", ""),
    ],
)
def test_visits_are_sessions(path, patient, session):
    named = named_by(path, stem(path.rpartition("/")[2]))
    assert (named.patient, named.session) == (patient, session)


def test_every_layout_has_a_path_here():
    paths = [path for people in PATHS.values() for one in people for path in one]
    for layout in LAYOUTS:
        assert any(layout.path.search(path) for path in paths), layout.collection
